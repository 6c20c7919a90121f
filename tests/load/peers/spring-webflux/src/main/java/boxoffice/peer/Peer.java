package boxoffice.peer;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.data.redis.connection.RedisSocketConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;

@SpringBootApplication
@EnableConfigurationProperties(Settings.class)
public class Peer {
    public static void main(String[] words) {
        SpringApplication.run(Peer.class, words);
    }

    /** One connection for all, on which Lettuce sends without waiting for earlier answers. */
    @Bean
    LettuceConnectionFactory redis(Settings settings) {
        RedisSocketConfiguration socket = new RedisSocketConfiguration(settings.redisSocket());
        socket.setDatabase(settings.database());
        return new LettuceConnectionFactory(socket);
    }

    @Bean
    RouterFunction<ServerResponse> routes(LineHandler line) {
        return RouterFunctions.route()
                .GET("/queue/status", line::status)
                .POST("/queue/enter", line::enter)
                .GET("/health", request -> ServerResponse.ok().build())
                .build();
    }
}
